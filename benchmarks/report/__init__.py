"""What a run says: whether goals are met, the table, the plot, the JSON and the machine it ran on."""
