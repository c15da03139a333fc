"""What stands on the wire: replies, commands, addresses and parameters, by the RFCs' grammar."""
