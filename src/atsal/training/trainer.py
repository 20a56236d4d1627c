"""The training loop: the steps of an epoch, validation and checkpoints, until the run is finished."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from atsal.errors import TrainingError
from atsal.models.weight_folder import DESCRIPTION, PARTS, read_weight_folder, write_weight_folder
from atsal.training.best_epoch import describe_gain, note_scores
from atsal.training.checkpoint import Progress, optimiser_tensors, read_checkpoint, restore_optimisers, save_checkpoint
from atsal.training.clip_loss import ClipLoss
from atsal.training.config import JOINT_PARTS, SCRATCH, ValidationConfig
from atsal.training.loader import Loader
from atsal.training.losses import LOSSES
from atsal.training.optimisers import make_optimiser, rate_factor, set_rates, update_average
from atsal.training.ranks import Ranks
from atsal.training.reporting import Reporter
from atsal.training.run_folder import RunFolder
from atsal.training.sampler import Batch, epoch_steps
from atsal.training.setup import load_trained_part, open_sources, provenance
from atsal.training.sources import Sample, Source
from atsal.training.validation import Validation, validate

CHECKPOINT_S = 300.0  # longest time between two checkpoints, however slow the steps are


@dataclass(frozen=True)
class Machine:
    """What a run uses of the machine. The result depends on the device only, by rounding."""

    device: torch.device
    workers: int  # processes that read data
    checkpoint_steps: int  # steps between two checkpoints within an epoch


class Trainer:
    """One run in its folder. It begins, or resumes from the last checkpoint."""

    def __init__(self, folder: RunFolder, machine: Machine, ranks: Ranks, reporter: Reporter | None) -> None:
        self.folder, self.machine, self.ranks, self.reporter = folder, machine, ranks, reporter
        self.config = config = folder.config()
        self.bundle = read_weight_folder(folder.start)
        model, teacher_maps = self.bundle.config, folder.teacher_maps
        self.sources = open_sources(config.train, config, model, teacher_maps / "train")
        held_out: list[Source] = []
        if config.validation is not None:
            held_out = open_sources(config.validation.sources, config, model, teacher_maps / "validation")
        if ranks.is_first:
            named = {"train": self.sources, "validation": held_out}
            folder.record_data({name: [s.describe() for s in sources] for name, sources in named.items()})
        self.part = load_trained_part(self.bundle, config, [*self.sources, *held_out]).to(machine.device)
        self.part.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = self.part.averaged_copy()
        self.optimisers = [make_optimiser(self.part, optimiser) for optimiser in config.optimisers]
        carries_state = config.clip_frames is not None
        self.loss = ClipLoss(self.part, LOSSES[config.loss], machine.device, carries_state=carries_state)
        self.loader = Loader(self.sources, held_out, workers=machine.workers)
        self.progress = Progress()
        # all ranks save at the same step, so the clock of the first one decides
        self._saved_at, self._is_save_due = time.monotonic(), False
        if folder.last.is_file():
            self._restore()
        if ranks.is_first:
            folder.truncate_log(self.progress.log_bytes)
        if not self.progress.step:
            self._save()

    def run(self) -> Progress:
        """Train to the end and write the weight folder `model/`."""
        self._score_start()
        while self.progress.finished is None:
            means = self._train_epoch()
            self._end_epoch(means)
        if self.ranks.is_first and not (self.folder.model / DESCRIPTION).is_file():
            self._write_model()
        self.ranks.wait()
        if self.reporter is not None and self.config.validation is not None:
            metric = self.config.validation.metric
            gain = describe_gain(self.progress, metric, self.sources, self.loader.held_out)
            if gain is not None:
                self.reporter.say(gain)
        return self.progress

    def _score_start(self) -> None:
        """Validate the weights that training starts from, as epoch 0. They are kept if no epoch is better."""
        chosen = self.config.validation
        if chosen is None or self.config.start == SCRATCH or self.progress.step or self.progress.before is not None:
            return
        validation = self._validate(chosen)
        if self.reporter is not None:
            self.reporter.epoch(self.progress, {}, validation)
        self._save()

    def _validate(self, chosen: ValidationConfig) -> Validation:
        """Validate the averaged weights, and keep them if they are the best so far."""
        progress, config = self.progress, self.config
        batch, device = max(1, config.batch // self.ranks.world), self.machine.device
        found = validate(self.averaged, self.loader, chosen, config.clip_frames, batch, self.ranks, device)
        score = found.scores[chosen.metric]
        if progress.epoch and not math.isfinite(score):
            raise TrainingError(
                f"{self.folder.folder}: the validation's {chosen.metric} is {score} after epoch {progress.epoch}; "
                "look at its data, or choose another metric"
            )
        if note_scores(progress, found.scores, chosen) and self.ranks.is_first:
            save_checkpoint(self.folder.best, progress, averaged=self.averaged.module.state_dict())
        return found

    def _train_epoch(self) -> dict[str, float]:
        """Take the remaining steps of the epoch. Return its mean loss and its speed."""
        config, progress = self.config, self.progress
        steps = epoch_steps(config, [source.frame_counts for source in self.sources], progress.epoch)
        remaining = steps[progress.step_in_epoch :]
        optimiser = self.optimisers[config.optimiser_index(progress.epoch)]
        self._set_train_mode(optimiser)
        self.loader.waited_s = 0.0
        started, frames = time.monotonic(), 0
        batches = self._read(remaining)
        for step in remaining:
            epochs_done = progress.epoch + progress.step_in_epoch / len(steps)
            rate = set_rates(optimiser, rate_factor(config.schedule, epochs_done, config.epochs))
            loss, norm = self._take_step(step, batches, optimiser)
            progress.step += 1
            progress.step_in_epoch += 1
            progress.loss_sum += loss
            update_average(self.averaged.module, self.part.module, config.averaging, progress.step)
            frames += _frame_count(step)
            if self.reporter is not None:
                values = {"loss": loss, "learning_rate": rate, "gradient_norm": norm} | self._speed(frames, started)
                self.reporter.step(progress, len(steps), values)
            if progress.step % self.machine.checkpoint_steps == 0 or self._is_save_due:
                self._save()
        return {"loss": progress.loss_sum / max(len(steps), 1)} | self._speed(frames, started)

    def _read(self, steps: Sequence[Sequence[Batch]]) -> Iterator[list[Sample]]:
        """Read the batches of this rank. Batches without a sample of its own are left out."""
        own = [[key for key in batch if self.ranks.owns(key.slot)] for step in steps for batch in step]
        return self.loader.read([batch for batch in own if batch], for_training=True)

    def _speed(self, frames: int, started: float) -> dict[str, float]:
        if not frames:  # resumed after the last step of an epoch
            return {}
        elapsed = max(time.monotonic() - started, 1e-9)
        return {"frames_per_s": frames / elapsed, "waited_share": self.loader.waited_s / elapsed}

    def _take_step(
        self, step: Sequence[Batch], batches: Iterator[list[Sample]], optimiser: torch.optim.Optimizer
    ) -> tuple[float, float]:
        """Update the weights from the batches of a step. Return the mean loss and the norm of the gradient."""
        parameters = _parameters(optimiser)
        self.part.module.zero_grad(set_to_none=True)
        frames = _frame_count(step)
        total = torch.zeros((), device=self.machine.device)
        names: list[str] = []
        for batch in step:
            if not any(self.ranks.owns(key.slot) for key in batch):
                continue
            samples = next(batches)
            names += [f"{s.name} from frame {s.key.first}" for s in samples]
            loss = self.loss(samples) / frames
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        self.ranks.add_gradients(parameters)
        is_late = self.ranks.is_first and time.monotonic() - self._saved_at > CHECKPOINT_S
        mean, late_ranks = self.ranks.add(torch.stack([total, total.new_tensor(float(is_late))])).tolist()
        self._is_save_due = late_ranks > 0
        norm = float(nn.utils.clip_grad_norm_(parameters, self.config.clip_norm or math.inf))
        if not (math.isfinite(mean) and math.isfinite(norm)):
            raise TrainingError(self._not_finite(mean, norm, names))
        optimiser.step()
        if not self.config.freeze_normalisation:
            self.ranks.average_statistics(self.part.module)
        return mean, norm

    def _not_finite(self, loss: float, norm: float, names: Sequence[str]) -> str:
        folder, progress = self.folder, self.progress
        value = f"the gradient's norm is {norm}" if math.isfinite(loss) else f"the loss is {loss}"
        rates = ", ".join(f"{o.learning_rate:g}" for o in self.config.optimisers)
        last = f"{folder.last} is the last good state" if folder.last.is_file() else "there is no checkpoint yet"
        return (
            f"{folder.folder}: {value} in epoch {progress.epoch + 1}, step {progress.step_in_epoch + 1}, on "
            f"{', '.join(names) or 'batches of other ranks'}; {last}. Look at these samples, or begin a new run with a "
            f"lower learning rate ({rates}) or with clip_norm"
        )

    def _end_epoch(self, means: dict[str, float]) -> None:
        """Validate, keep the best weights, report, and save."""
        progress, config, chosen = self.progress, self.config, self.config.validation
        progress.epoch += 1
        progress.step_in_epoch, progress.loss_sum = 0, 0.0
        self.loss.states.clear()
        validation = None
        if chosen is not None and (progress.epoch % chosen.every == 0 or progress.epoch == config.epochs):
            validation = self._validate(chosen)
        if progress.finished is None and progress.epoch >= config.epochs:
            progress.finished = f"all {config.epochs} epochs"
        if self.reporter is not None:
            self.reporter.epoch(progress, means, validation)
        self._save()

    def _save(self) -> None:
        """Write `last.safetensors` with the states of all ranks. Raise `TrainingError` for weights that are NaN."""
        self._saved_at, self._is_save_due = time.monotonic(), False
        if not all(torch.isfinite(p).all() for p in self.part.module.parameters()):
            raise TrainingError(self._not_finite(math.nan, math.nan, []))
        by_rank = self.ranks.gather({str(slot): state.cpu() for slot, state in self.loss.states.items()})
        if self.ranks.is_first:
            self.progress.log_bytes = self.folder.log_bytes
            save_checkpoint(
                self.folder.last,
                self.progress,
                weights=self.part.module.state_dict(),
                averaged=self.averaged.module.state_dict(),
                optimiser=optimiser_tensors(self.part, self.optimisers),
                state={slot: state for own in by_rank for slot, state in own.items()},
            )

    def _restore(self) -> None:
        checkpoint = read_checkpoint(self.folder.last)
        self.progress = checkpoint.progress
        self.part.module.load_state_dict(checkpoint.group("weights"))
        self.averaged.module.load_state_dict(checkpoint.group("averaged"))
        restore_optimisers(self.part, self.optimisers, checkpoint.group("optimiser"))
        states = {int(slot): state.to(self.machine.device) for slot, state in checkpoint.group("state").items()}
        self.loss.states = {slot: state for slot, state in states.items() if self.ranks.owns(slot)}

    def _set_train_mode(self, optimiser: torch.optim.Optimizer) -> None:
        """Put the trained part in training mode, with gradients for this optimiser's parameters only."""
        self.part.eval()  # the frozen parts
        self.part.module.train()
        learning = set(map(id, _parameters(optimiser)))
        for parameter in self.part.module.parameters():
            parameter.requires_grad_(id(parameter) in learning)  # unused gradients would cost most of the time
        if self.config.freeze_normalisation:
            for module in self.part.module.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def _write_model(self) -> None:
        """Write `model/`: the start's weights with the trained part's best ones, or last ones without validation.

        If the weights from before training are the best, they have seen none of the data.
        """
        config, folder = self.config, self.folder
        checkpoint = read_checkpoint(folder.last if self.progress.best_epoch is None else folder.best)
        if config.part in JOINT_PARTS:
            trained = {part: checkpoint.group(f"averaged.{part}") for part in PARTS}
        else:
            trained = {config.part: checkpoint.group("averaged")}
        parts = {part: trained[part] if part in trained else self.bundle.load(part) for part in PARTS}
        sources = self.sources if checkpoint.progress.epoch else ()
        recorded = provenance(config, self.bundle, sources, checkpoint.progress)
        write_weight_folder(folder.model, self.bundle.config, parts, recorded, overwrite=True)


def _frame_count(step: Sequence[Batch]) -> int:
    return sum(key.count for batch in step for key in batch)


def _parameters(optimiser: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]
