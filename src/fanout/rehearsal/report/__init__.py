"""The report of a rehearsal, for somebody who decides whether the event goes ahead: HTML, Markdown and JSON."""
