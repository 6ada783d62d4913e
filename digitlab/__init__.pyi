"""The public API: each name, and the module that it comes from. `__init__.py` reads this file."""

from .analysis.recognize import recognize as recognize
from .analysis.robustness import measure_robustness as measure_robustness
from .data.dataset import Dataset as Dataset
from .data.dataset import Split as Split
from .data.info import SPLITS as SPLITS
from .data.info import DatasetInfo as DatasetInfo
from .data.load import load_dataset as load_dataset
from .data.registry import list_datasets as list_datasets
from .drawing.recognition import Recognition as Recognition
from .errors import DigitlabError as DigitlabError
from .evaluation.metrics import Evaluation as Evaluation
from .execution.ensemble import ensemble as ensemble
from .execution.finetune import finetune as finetune
from .execution.reproduce import reproduce as reproduce
from .execution.train import train as train
from .exports.archive import import_run as import_run
from .exports.export import export as export
from .imports.import_network import import_network as import_network
from .jobs.queue import stop as stop
from .jobs.queue import submit as submit
from .jobs.resume import pause as pause
from .jobs.resume import repeat as repeat
from .jobs.resume import resume as resume
from .jobs.resume import train_longer as train_longer
from .jobs.seeds import run_seeds as run_seeds
from .models.build import build as build
from .models.build import summarize as summarize
from .models.load import load_model as load_model
from .models.presets import Preset as Preset
from .models.presets import list_presets as list_presets
from .models.presets import load_preset as load_preset
from .models.spec import ModelSpec as ModelSpec
from .runs.edit import delete_run as delete_run
from .runs.edit import label_run as label_run
from .runs.run import Run as Run
from .runs.run import list_runs as list_runs
from .runs.run import open_run as open_run
from .training.config import Augmentation as Augmentation
from .training.config import TrainConfig as TrainConfig

__version__: str
