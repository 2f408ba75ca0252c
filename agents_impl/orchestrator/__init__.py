"""An agent that gives a goal to others, task by task."""
