"""The server: listener, connections, TLS, and the `SMTPServer` handle. All I/O is here."""
