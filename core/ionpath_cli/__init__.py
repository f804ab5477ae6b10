"""The command line of ionpath: commands that use the hosts through the plugins, as a user's script would."""
