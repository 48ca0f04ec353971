"""The paper's comparison as a command: from a plan to runs, rows, a table and a plot."""
