"""Route, encode, batch, send: the way of a message out."""
