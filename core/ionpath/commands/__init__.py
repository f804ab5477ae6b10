"""The commands of ``ionpath``: they use the hosts through the plugins, as a user's script would."""
