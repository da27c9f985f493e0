"""All chapters, in the order in which somebody new to the bot meets them."""

from __future__ import annotations

from playground.gallery import (
    deploying,
    looking,
    predicting,
    recording,
    registering,
    talking,
    training,
    watching,
    working,
)
from playground.gallery.sample import Chapter

CHAPTERS: tuple[Chapter, ...] = (
    predicting.CHAPTER,
    training.CHAPTER,
    working.CHAPTER,
    deploying.CHAPTER,
    watching.CHAPTER,
    recording.CHAPTER,
    registering.CHAPTER,
    looking.CHAPTER,
    looking.HOME_CHAPTER,
    talking.FORMS,
    talking.REFUSALS,
    talking.HELP,
    talking.EACH_HELP,
)
