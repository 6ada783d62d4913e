"""Several runs that read the same drawing, and whether they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digitlab.analysis.recognize import recognize
from digitlab.errors import DrawingError, RunError
from digitlab.runs.run import Run, open_run

if TYPE_CHECKING:
    from digitlab.drawing.recognition import Recognition


@dataclass(frozen=True)
class Answer:
    """What one run read. `recognition` is None where it could not read; `problem` says why.

    `text` is the most likely reading, also where the run declined.
    """

    run: Run
    recognition: Recognition | None = None
    problem: str = ""

    @property
    def text(self) -> str:
        """The class names of what was read, lines separated by spaces; empty where nothing was."""
        if self.recognition is None:
            return ""
        return self.recognition.spell(self.run.classes, unread=None).replace("\n", " ")

    @property
    def declined(self) -> bool:
        """Whether the run could not read, or is not sure enough to."""
        return self.recognition is None or bool(self.recognition.declined)

    @property
    def confidence(self) -> float:
        """The calibrated probability that all of it is right, 0…1."""
        return self.recognition.confidence if self.recognition else 0.0


@dataclass(frozen=True)
class Arena:
    """The answers of all runs, in the order of the runs."""

    answers: tuple[Answer, ...]

    @property
    def majority(self) -> str:
        """What most runs read; between equally many, what has the larger sum of confidences.

        Runs that declined have no vote, unless all declined.
        """
        votes, weights = Counter[str](), Counter[str]()
        sure = [answer for answer in self.answers if not answer.declined]
        for answer in sure or self.answers:
            if answer.recognition is not None:
                votes[answer.text] += 1
                weights[answer.text] += answer.confidence
        return max(votes, key=lambda text: (votes[text], weights[text]), default="")

    def agreeing(self, text: str) -> list[Answer]:
        """The answers that are `text` and were not declined."""
        return [a for a in self.answers if a.text == text and not a.declined]

    @property
    def unanimous(self) -> bool:
        """Whether all read the same and none declined."""
        return len(self.agreeing(self.majority)) == len(self.answers)


def read_together(
    source: Any, runs: Sequence[Run | str], *, strokes: Sequence[Any] | None = None
) -> Arena:
    """Let every run read the same drawing with `recognize`.

    A run that cannot read (no weights, another image size) has an answer with a `problem`; a
    source that is no drawing raises DrawingError.
    """
    answers = []
    for run_or_id in runs:
        run = run_or_id if isinstance(run_or_id, Run) else open_run(run_or_id)
        try:
            answers.append(Answer(run, recognize(source, run, strokes=strokes)))
        except DrawingError:
            raise
        except RunError as e:
            answers.append(Answer(run, problem=str(e)))
    return Arena(tuple(answers))
