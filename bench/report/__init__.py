"""The report: stored records as one page of HTML that works from disk."""
