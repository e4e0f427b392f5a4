"""The speed gate: did a network get slower?"""
