"""Loads: each a program of its own, that asks one server as fast as it can, and checks answers."""
