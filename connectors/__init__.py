"""Sources that bring public data into the platform: one package a source."""
