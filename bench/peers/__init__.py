"""Peers: what the service is measured against, each a real server in a process of its own."""
