"""Scores of boxes and tubes: frame mAP and video mAP."""
