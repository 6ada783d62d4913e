"""Class: rooms that learners join by a code, and where their teacher sees how far they are."""

from digitlab.ui import page, url
from digitlab.ui.classroom.room_bar import ROOM
from digitlab.ui.classroom.rooms import show_class
from digitlab.ui.classroom.wall import show_standalone

with page.page(
    page.CLASS,
    "Class",
    ""
    if url.get(ROOM)
    else "A room for a class: learners join with a code and a nickname, without an account. Their "
    "teacher sees how far each is, and helps.",
):
    if page.stands_alone(page.CLASS):
        show_standalone()
    else:
        show_class()
