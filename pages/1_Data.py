"""Data: look at the digits."""

import streamlit as st

from digitlab.figures import data as data_figures
from digitlab.figures import images as image_figures
from digitlab.snippets import basics
from digitlab.ui import cached, page, url
from digitlab.ui.data.samples import browse
from digitlab.ui.datasets import pick_dataset, pick_split
from digitlab.ui.labels import SPLIT_NAMES, balance
from digitlab.words import size

with page.page(
    page.DATA,
    "Data",
    "What a network learns, it learns from these images. Look at them first: it explains most of "
    "what comes later.",
):
    top = st.columns(2, vertical_alignment="top")
    with top[0]:
        name = pick_dataset()
    with top[1]:
        split = pick_split()
    data = cached.dataset(name)
    part = data.split(split)

    page.cell(data.info.title, f"{data.info.about} [Source]({data.info.source}).")
    facts = st.columns(4)
    facts[0].metric(f"{SPLIT_NAMES[split]} images", f"{len(part):,}")
    facts[1].metric("Classes", len(data.classes))
    facts[2].metric("Image size", "×".join(map(str, data.input_shape[1:])))
    facts[3].metric("In memory", size(part.images.nbytes + part.labels.nbytes))
    page.code_fold(basics.load(name, split))

    page.cell(
        "How many of each class?",
        "A network that only ever guessed the most frequent class would reach that class's share. "
        "Training, validation and test should hold about the same shares.",
    )
    show = url.choose(
        "Show",
        {"counts": "Images", "shares": "Shares"},
        param="bars",
        default="counts",
        widget=st.segmented_control,
    )
    counts = cached.class_counts(data)
    st.plotly_chart(
        data_figures.class_distribution(counts, data.classes, show=show), key="class-distribution"
    )
    st.markdown(balance(counts[split], data.classes))
    page.code_fold(basics.class_distribution(name))

    page.cell(
        "Samples",
        "Every image is a grid of numbers from 0 (paper) to 255 (ink). Find the ones that you "
        "would misread yourself.",
    )
    label, seed, picked = browse(name, split)
    page.code_fold(basics.samples(name, split, label, seed, picked))

    page.cell(
        "The average digit, and where digits differ",
        "Left to its own devices, a linear model learns something much like these averages. "
        "Bright spots of the variability are where people write differently.",
    )
    kind = url.choose(
        "Picture",
        {"mean": "Mean image", "deviation": "Variability"},
        param="average",
        default="mean",
        widget=st.segmented_control,
    )
    means, deviations = cached.class_images(data, split)
    if kind == "mean":
        figure = image_figures.per_class_images(means, data.classes)
    else:
        figure = image_figures.per_class_images(
            deviations,
            data.classes,
            title="Variability of each class",
            unit="standard deviation of pixel values",
        )
    st.plotly_chart(figure, key=f"class-images-{kind}")
    page.code_fold(basics.class_images(data, split, kind))

    page.cell(
        "Images of one class, laid over each other",
        "The more images, the softer the shape: what stays sharp is what all writers agree on.",
    )
    controls = st.columns(2)
    with controls[0]:
        names = {str(i): text for i, text in enumerate(data.classes)}
        over = int(url.choose("Class to lay over", names, param="laid", default="3"))
    with controls[1]:
        many = url.number("Images", param="laid_images", default=20, low=1, high=1000)
    st.plotly_chart(cached.overlay_figure(data, split, over, many), key="overlay")
    page.code_fold(basics.overlay(name, split, over, many))

    page.cell(
        "Pixel values",
        "Most pixels are empty paper. Normalisation subtracts the mean and divides by the "
        "standard deviation, so that a network starts from numbers around zero; it always uses "
        "those of the training split.",
    )
    pixels = cached.pixel_statistics(data, split)
    used = cached.pixel_statistics(data, "train")
    numbers = st.columns(2)
    numbers[0].metric("Mean of the training split (of 0…1)", f"{used.mean:.4f}")
    numbers[1].metric("Its standard deviation", f"{used.std:.4f}")
    st.plotly_chart(
        data_figures.intensity_histogram(pixels.histogram, pixels.mean, pixels.std),
        key="pixel-histogram",
    )
    page.code_fold(basics.pixels(name, split))
