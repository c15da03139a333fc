"""Certificates, TLS contexts and handshakes."""
