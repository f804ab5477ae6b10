"""ionpath plugin."""
