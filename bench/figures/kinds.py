"""The names of the figures, which the command and shell completion know without drawing any."""

KINDS = ("pareto", "views", "latency", "sweep", "runtimes", "confusion", "timeline", "gate")
