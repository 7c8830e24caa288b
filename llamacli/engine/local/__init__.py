"""Models in this process: the room of torch and transformers.

Both variables are read when torch starts, and a person's own setting stays.
"""

import os

# Threads that wait for each other by spinning stand still together where another program has a core:
# 2,660 tokens were read in 5 s instead of 1.6.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Without it a long context fragments the card's memory and does not fit where the placement says that it does.
os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
