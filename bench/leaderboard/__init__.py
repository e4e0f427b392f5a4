"""Records become ranked boards, and boards become text."""
