"""Learn: lessons whose goals are checked on what the learner has made."""

from digitlab.ui import lesson_bar, page, url
from digitlab.ui.learn.lesson import show_lesson
from digitlab.ui.learn.lesson_list import find_chosen, show_lessons

with page.page(
    page.LEARN,
    "Learn",
    ""
    if url.get(lesson_bar.PARAM)
    else "Short lessons with real networks. Each has goals, which are checked on what you have "
    "made.",
):
    lesson = find_chosen()
    if lesson is None:
        show_lessons()
    else:
        show_lesson(lesson)
