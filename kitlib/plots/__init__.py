"""Figures of recordings, one a file, each with a twin in words.

Import this without a cluster: a figure needs frames, and frames need a file.

    from kitlib import plots
    from kitlib.recording import Recording

    frames = Recording.open("build/recordings/deployment").frames
    plots.story(frames)                             # all on one time axis
    plots.rollout(frames.pods, frames.workloads)     # was the promise kept, and how long did it take?
    print(plots.story_text(frames))                 # the same in words

A function that draws has a twin that tells: `rollout` and `rollout_text`, and so on; `twin` returns the text of a
figure that was drawn. Backgrounds are transparent: one picture is right on a white and on a dark page.
"""

from kitlib.plots import style
from kitlib.plots.backoff import backoff, backoff_text
from kitlib.plots.canvas import twin
from kitlib.plots.containers import containers, containers_text
from kitlib.plots.delays import delays, delays_text
from kitlib.plots.events import events, events_text
from kitlib.plots.lanes import lanes, lanes_text
from kitlib.plots.nodes import nodes, nodes_text
from kitlib.plots.places import daemons, daemons_text, jobs, jobs_text, ordinals, ordinals_text
from kitlib.plots.probes import probes, probes_text
from kitlib.plots.rollout import rollout, rollout_text
from kitlib.plots.story import story, story_text
from kitlib.plots.traffic import traffic, traffic_text

__all__ = [
    "story",
    "rollout",
    "lanes",
    "containers",
    "events",
    "nodes",
    "ordinals",
    "daemons",
    "jobs",
    "probes",
    "traffic",
    "backoff",
    "delays",
    "story_text",
    "rollout_text",
    "lanes_text",
    "containers_text",
    "events_text",
    "nodes_text",
    "ordinals_text",
    "daemons_text",
    "jobs_text",
    "probes_text",
    "traffic_text",
    "backoff_text",
    "delays_text",
    "twin",
    "style",
]
