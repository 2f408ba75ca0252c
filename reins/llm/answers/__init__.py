"""Answers as models really give them: read by need, and the thoughts told apart from the answer.

Knows no transport. Whoever has a body or the events of a stream gets from here the text, the
thought, the finish reason, the tokens, and an error that came inside.
"""
