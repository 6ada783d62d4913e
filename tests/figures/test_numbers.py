"""The numbers of figures as tables."""

import numpy as np

from digitlab.figures.calibration import reliability_diagram
from digitlab.figures.comparison import train_and_validation
from digitlab.figures.data import class_distribution
from digitlab.figures.drawing import probability_bars, stage_strip
from digitlab.figures.evaluation import confusion_matrix
from digitlab.figures.images import image_grid, per_class_images
from digitlab.figures.inspection import attribution_figure, embedding_figure, picture_grid
from digitlab.figures.leaderboard import leaderboard
from digitlab.figures.numbers import last_values, numbers
from digitlab.figures.training import accuracy_curve

DIGITS = [str(digit) for digit in range(10)]


def test_lines_over_the_same_epochs_stand_side_by_side():
    epochs = [
        {"epoch": epoch, "train_accuracy": 0.5 + epoch / 10, "val_accuracy": 0.4 + epoch / 10}
        for epoch in (1, 2, 3)
    ]
    table = numbers(accuracy_curve(epochs))
    assert list(table) == ["epoch", "Training: accuracy (%)", "Validation: accuracy (%)"]
    assert table.round(6).values.tolist() == [[1, 60, 50], [2, 70, 60], [3, 80, 70]]

    assert last_values(accuracy_curve(epochs)) == (
        "Training 80 % at epoch 3; Validation 70 % at epoch 3"
    )
    of_runs = numbers(train_and_validation([epochs, epochs[:2]], ["small", "large"]))
    assert list(of_runs)[1] == "small, validation accuracy: accuracy (%)"
    assert of_runs.shape == (3, 5)


def test_bars_name_their_classes_first():
    table = numbers(probability_bars([0.25, 0.75], ["a", "b"]))
    assert list(table) == ["class", "probability (%)"]
    assert table.values.tolist() == [["a", 25], ["b", 75]]
    counts = numbers(class_distribution({"train": [3, 1], "test": [2, 2]}, ["0", "1"]))
    assert counts.to_dict("list") == {
        "class": ["0", "1"], "Training: images": [3, 1], "Test: images": [2, 2],
    }  # fmt: skip


def test_intervals_are_told_as_their_ends():
    table = numbers(leaderboard(["mine"], [0.95], [(0.9, 0.97)]))
    assert table.round(6).values.tolist() == [["mine", 95, 90, 97]]
    from digitlab.evaluation.calibration import Bin

    bins = [Bin(low=0.9, high=1.0, count=50, confidence=0.96, accuracy=0.9, interval=(0.8, 0.95))]
    row = numbers(reliability_diagram(bins)).round(6).iloc[0]
    assert row["from"] == 80
    assert row["to"] == 95
    assert "50 images" in row["description"]


def test_a_confusion_matrix_is_a_table_of_counts_however_many_classes():
    for count in (3, 30):
        confusion = np.diag(np.full(count, 5))
        confusion[0, 2] = 7
        table = numbers(confusion_matrix(confusion, [f"c{i}" for i in range(count)]))
        assert list(table)[:2] == ["true \\ predicted", "c0"]
        assert table.iloc[0, :4].tolist() == ["c0", "5", "", "7"]


def test_images_tell_what_is_written_at_them():
    images = np.zeros((2, 8, 8), np.uint8)
    table = numbers(image_grid(images, ["a<br>b", "c"], indices=[40, 7]))
    assert table.values.tolist() == [[40, "a · b"], [7, "c"]]
    points = np.array([[0.0, 1.0], [2.0, 3.0]])
    groups = [("one", "#000000", np.array([0])), ("two", "#000000", np.array([1]))]
    named = numbers(embedding_figure(points, groups, np.array([4, 5]), ["p", "q"], title="t"))
    assert named.series.tolist() == ["one", "two"]
    assert named.description.tolist() == ["p", "q"]


def test_pictures_of_floats_tell_their_range_or_their_pixels():
    arrays = np.stack([np.full((2, 2), 1.0), np.array([[0.0, 2.0], [4.0, 6.0]])])
    for figure in (
        per_class_images(arrays, ["a", "b"]),
        picture_grid(arrays, ["a", "b"], title="t", unit="u"),
    ):
        assert numbers(figure).values.tolist() == [["a", 1, 1, 1], ["b", 0, 3, 6]]
    unnamed = numbers(picture_grid(arrays, title="t", unit="u", hover="map"))
    assert unnamed.picture.tolist() == ["map 0", "map 1"]
    image = np.arange(4, dtype=np.uint8).reshape(2, 2)
    strip = numbers(stage_strip([image], ["Placed"]))
    assert strip.values.tolist() == [["0", 0, 1], ["1", 2, 3]]
    maps = numbers(attribution_figure(image, [("for", arrays[0]), ("against", arrays[1])], unit=""))
    assert maps.picture.tolist() == ["for", "for", "against", "against"]
