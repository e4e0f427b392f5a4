"""Accuracy: videos are read, classified and scored, shard by shard."""
