"""The playground's web page: a place to be somebody in the loopback workspace, in a browser."""
