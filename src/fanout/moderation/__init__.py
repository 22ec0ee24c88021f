"""From a visitor's question to the air: submissions, hooks, the desk, the run sheet, bans, transcripts. On trio,
without a socket."""
