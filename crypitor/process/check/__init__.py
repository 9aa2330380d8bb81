"""What works, what does not, and what to do: `crypitor check`."""

from crypitor.process.check.finding import Finding
from crypitor.process.check.findings import findings

__all__ = ["Finding", "findings"]
