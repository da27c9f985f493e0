"""Small stand-ins behind our interfaces, served on loopback."""
