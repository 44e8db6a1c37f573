"""Ticket systems: who asked for help when, and when a person first answered. One file a system."""
