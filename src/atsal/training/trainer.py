"""The loop: steps of an epoch, validation, checkpoints, until the epochs are done or nothing gets better."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from atsal.errors import TrainingError
from atsal.evaluation.metric_registry import metric_named
from atsal.models.weight_folder import DESCRIPTION, PARTS, read_weight_folder, write_weight_folder
from atsal.training.checkpoint import (
    Checkpoint,
    Progress,
    optimiser_tensors,
    read_checkpoint,
    restore_optimisers,
    save_checkpoint,
)
from atsal.training.config import TOGETHER
from atsal.training.loader import Loader
from atsal.training.losses import LOSSES
from atsal.training.optimisers import make_optimiser, rate_factor, set_rates, update_average
from atsal.training.ranks import Ranks
from atsal.training.reporting import Silent
from atsal.training.run_folder import RunFolder
from atsal.training.sampler import Step, epoch_steps
from atsal.training.setup import load_subject, open_sources, provenance
from atsal.training.sources import Sample, Source
from atsal.training.validation import Validation, judge, validate


@dataclass(frozen=True)
class Machine:
    """What a run may use; its result does not depend on workers and checkpoints, and on the device by rounding."""

    device: torch.device
    workers: int
    checkpoint_steps: int  # steps between two checkpoints within an epoch


CHECKPOINT_S = 300.0  # seconds between two checkpoints, where steps are slow


class Trainer:
    """One run, from its folder: begins, or goes on where the last checkpoint stands."""

    def __init__(self, folder: RunFolder, machine: Machine, ranks: Ranks, reporter: Silent) -> None:
        self.folder, self.machine, self.ranks, self.reporter = folder, machine, ranks, reporter
        self.config = config = folder.config()
        self.bundle = read_weight_folder(folder.start)
        self.sources = open_sources(config.train, config, self.bundle.config, folder.taught / "train")
        held_out: list[Source] = []
        if config.validation is not None:
            held_out = open_sources(config.validation.sources, config, self.bundle.config, folder.taught / "validation")
        if ranks.is_first:
            folder.note_data(
                {
                    "train": [s.describe() for s in self.sources],
                    "validation": [s.describe() for s in held_out],
                }
            )
        self.subject = load_subject(self.bundle, config, [*self.sources, *held_out]).to(machine.device)
        self.subject.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.loader = Loader(self.sources, held_out, workers=machine.workers)
        self.extents = [source.extent() for source in self.sources]
        self.loss = LOSSES[config.loss]
        self.optimisers = [make_optimiser(self.subject, optimiser) for optimiser in config.optimisers]
        self.averaged = self.subject.averaged_copy()
        self.states: dict[int, Tensor] = {}  # of this rank's slots
        self.progress = Progress()
        self._saved_at, self._due = time.monotonic(), False  # all ranks write, or none: the first one's clock decides
        if folder.last.is_file():
            self._restore(read_checkpoint(folder.last))
        if ranks.is_first:
            folder.cut_log(self.progress.log_bytes)
        if not self.progress.step:
            self._save()

    def run(self) -> Progress:
        """Train until the end; the weight folder `model/` is written then."""
        while self.progress.finished is None:
            self._epoch()
        if self.ranks.is_first and not (self.folder.model / DESCRIPTION).is_file():
            self._write_model()
        self.ranks.wait()
        return self.progress

    def _epoch(self) -> None:
        config, progress = self.config, self.progress
        steps = epoch_steps(config, self.extents, progress.epoch)
        optimiser = self.optimisers[config.optimiser_of(progress.epoch)]
        self._train_mode(optimiser)
        self.loader.waited_s = 0.0
        started, seen = time.monotonic(), 0
        batches = self._read(steps[progress.step_in_epoch :])
        for step in steps[progress.step_in_epoch :]:
            rate = set_rates(
                optimiser,
                rate_factor(config.schedule, progress.epoch + progress.step_in_epoch / len(steps), config.epochs),
            )
            loss, norm = self._step(step, batches, optimiser)
            progress.step += 1
            progress.step_in_epoch += 1
            progress.loss_sum += loss
            update_average(self.averaged.module, self.subject.module, config.averaging, progress.step)
            seen += sum(key.count for batch in step for key in batch)
            facts = {"loss": loss, "learning_rate": rate, "gradient_norm": norm} | self._pace(seen, started)
            self.reporter.step(progress, len(steps), facts)
            if progress.step % self.machine.checkpoint_steps == 0 or self._due:
                self._save()
        self._end_epoch(len(steps), self._pace(seen, started))

    def _pace(self, frames: int, started: float) -> dict[str, float]:
        if not frames:  # a run that goes on after the last step of an epoch
            return {}
        elapsed = max(time.monotonic() - started, 1e-9)
        return {"frames_per_s": frames / elapsed, "waited_share": self.loader.waited_s / elapsed}

    def _read(self, steps: Sequence[Step]) -> Iterator[list[Sample]]:
        """The samples of this rank, a batch at a time; batches of which it has none are left out."""
        own = [[key for key in batch if self.ranks.has(key.slot)] for s in steps for batch in s]
        return self.loader.moved([batch for batch in own if batch])

    def _step(
        self, step: Step, batches: Iterator[list[Sample]], optimiser: torch.optim.Optimizer
    ) -> tuple[float, float]:
        """One update of the weights from the batches of a step; returns the mean loss and the gradient's norm."""
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        self.subject.module.zero_grad(set_to_none=True)
        frames = sum(key.count for batch in step for key in batch)
        total = torch.zeros((), device=self.machine.device)
        seen: list[str] = []
        for batch in step:
            if not any(self.ranks.has(key.slot) for key in batch):
                continue
            samples = next(batches)
            seen += [f"{s.name} from frame {s.key.first}" for s in samples]
            loss = self._loss(samples) / frames
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        self.ranks.add_gradients(parameters)
        is_late = self.ranks.is_first and time.monotonic() - self._saved_at > CHECKPOINT_S
        mean, due = self.ranks.add(torch.stack([total, total.new_tensor(float(is_late))])).tolist()
        self._due = due > 0
        norm = float(nn.utils.clip_grad_norm_(parameters, self.config.clip_norm or math.inf))
        if not (math.isfinite(mean) and math.isfinite(norm)):
            raise TrainingError(self._not_a_number(mean, norm, seen))
        optimiser.step()
        if not self.config.freeze_normalisation:
            self.ranks.average_statistics(self.subject.module)
        return mean, norm

    def _loss(self, samples: list[Sample]) -> Tensor:
        """The sum of the loss over all frames of the samples, truncated back-propagation through time within a clip."""
        total = torch.zeros((), device=self.machine.device)
        for sample in samples:
            if sample.key.fresh:
                self.states.pop(sample.key.slot, None)
        for at in range(max(len(sample.frames) for sample in samples)):
            going = [sample for sample in samples if at < len(sample.frames)]
            for group in _alike(going):
                total = total + self._frame_loss(group, at)
        if self.config.clip_frames is None:
            self.states.clear()
        else:
            self.states = {slot: state.detach() for slot, state in self.states.items()}
        return total

    def _frame_loss(self, samples: list[Sample], at: int) -> Tensor:
        """The sum over the samples of the loss on their `at`-th frames; those nobody looked at count as nothing."""
        slots = [sample.key.slot for sample in samples]
        judged, state = judge(self.subject, samples, at, self.machine.device, *self._before(slots))
        if state is not None:
            self.states |= dict(zip(slots, state, strict=True))
        maps = torch.stack([sample.maps[at] for sample in samples])
        looked_at = (maps.flatten(1).amax(1) > 0).to(self.machine.device)
        if not looked_at.any():
            return judged.saliency.sum() * 0
        return self.loss.of(judged.select(looked_at)) * looked_at.sum()

    def _before(self, slots: Sequence[int]) -> tuple[Tensor | None, Tensor | None]:
        """What `judge` takes as state and carry, so that videos that begin and videos that go on run at once."""
        known = [slot in self.states for slot in slots]
        if not any(known):
            return None, None
        nothing = torch.zeros_like(next(self.states[slot] for slot in slots if slot in self.states))
        state = torch.stack([self.states.get(slot, nothing) for slot in slots])
        return state, None if all(known) else torch.tensor(known, dtype=torch.float32, device=state.device)

    def _not_a_number(self, loss: float, norm: float, seen: Sequence[str]) -> str:
        what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradient's norm is {norm}"
        where = f"epoch {self.progress.epoch + 1}, step {self.progress.step_in_epoch + 1}"
        rates = ", ".join(f"{o.learning_rate:g}" for o in self.config.optimisers)
        kept = f"{self.folder.last} is the last good state" if self.folder.last.is_file() else "nothing was kept yet"
        return (
            f"{self.folder.folder}: {what} in {where}, on {', '.join(seen) or 'batches of other ranks'}; {kept}. Look "
            f"at these samples, or begin a new run with a lower learning rate ({rates}) or with clip_norm"
        )

    def _end_epoch(self, steps: int, facts: dict[str, float]) -> None:
        progress, config = self.progress, self.config
        facts = {"loss": progress.loss_sum / max(steps, 1)} | facts
        progress.epoch += 1
        progress.step_in_epoch, progress.loss_sum = 0, 0.0
        self.states.clear()
        validation = None
        due = config.validation is not None and (
            progress.epoch % config.validation.every == 0 or progress.epoch == config.epochs
        )
        if config.validation is not None and due:
            validation = validate(
                self.averaged,
                self.loader,
                config.validation,
                config.clip_frames,
                max(1, config.batch // self.ranks.world),
                self.ranks,
                self.machine.device,
            )
            self._keep_if_best(validation)
        if progress.finished is None and progress.epoch >= config.epochs:
            progress.finished = f"all {config.epochs} epochs"
        self.reporter.epoch(progress, facts, validation)
        if self.ranks.is_first:
            scores = {} if validation is None else {"validation": progress.scores}
            self.folder.log({"epoch": progress.epoch, "step": progress.step} | facts | scores)
        self._save()

    def _keep_if_best(self, validation: Validation) -> None:
        """Keep the averaged weights if they are the best so far; end the run if they have not been for long."""
        progress, chosen = self.progress, self.config.validation
        if chosen is None:
            return
        score = validation.scores[chosen.metric]
        if not math.isfinite(score):
            raise TrainingError(
                f"{self.folder.folder}: the validation's {chosen.metric} is {score} after epoch {progress.epoch}; "
                "look at its data, or choose another metric"
            )
        progress.scores = validation.scores
        sign = metric_named(chosen.metric).sign
        if progress.best is None or sign * score > sign * progress.best:
            progress.best, progress.best_epoch, progress.without_better = score, progress.epoch, 0
            if self.ranks.is_first:
                averaged = self.averaged.module.state_dict()
                save_checkpoint(self.folder.best, progress, {}, averaged, {}, {})
            return
        progress.without_better += 1
        if chosen.patience is not None and progress.without_better >= chosen.patience:
            progress.finished = (
                f"no better {chosen.metric} in {chosen.patience} validations since epoch {progress.best_epoch}"
            )

    def _save(self) -> None:
        """Write `last.safetensors`: rank 0 with the states of all slots. `TrainingError` for weights of NaN."""
        self._saved_at, self._due = time.monotonic(), False
        if not all(torch.isfinite(p).all() for p in self.subject.module.parameters()):
            raise TrainingError(self._not_a_number(math.nan, math.nan, []))
        states = {
            slot: state
            for part in self.ranks.gather({k: v.cpu() for k, v in self.states.items()})
            for slot, state in part.items()
        }
        if self.ranks.is_first:
            self.progress.log_bytes = self.folder.log_bytes
            save_checkpoint(
                self.folder.last,
                self.progress,
                self.subject.module.state_dict(),
                self.averaged.module.state_dict(),
                optimiser_tensors(self.subject, self.optimisers),
                states,
            )

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.progress = checkpoint.progress
        self.subject.module.load_state_dict(checkpoint.of("weights"))
        self.averaged.module.load_state_dict(checkpoint.of("averaged"))
        restore_optimisers(self.subject, self.optimisers, checkpoint.of("optimiser"))
        states = {int(slot): state for slot, state in checkpoint.of("state").items()}
        own = [slot for slot in states if self.ranks.has(slot)]
        self.states = {slot: states[slot].to(self.machine.device) for slot in own}

    def _train_mode(self, optimiser: torch.optim.Optimizer) -> None:
        self.subject.eval()  # the parts that are not trained stay as they are
        self.subject.module.train()
        learning = {id(p) for group in optimiser.param_groups for p in group["params"]}
        for parameter in self.subject.module.parameters():
            parameter.requires_grad_(id(parameter) in learning)  # a gradient that nobody uses costs most of the time
        if self.config.freeze_normalisation:
            for module in self.subject.module.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def _write_model(self) -> None:
        """Write `model/`: the start's weights with the trained part's best ones, or last ones without validation."""
        config, folder = self.config, self.folder
        chosen = read_checkpoint(folder.last if self.progress.best_epoch is None else folder.best)
        weights = chosen.of("averaged")
        if config.part in TOGETHER:
            trained = {
                p: {k.removeprefix(f"{p}."): v for k, v in weights.items() if k.startswith(f"{p}.")} for p in PARTS
            }
        else:
            trained = {config.part: weights}
        parts = {part: trained[part] if part in trained else self.bundle.load(part) for part in PARTS}
        noted = provenance(config, self.bundle, self.sources, chosen.progress)
        write_weight_folder(folder.model, self.bundle.config, parts, noted, overwrite=True)


def _alike(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Samples that can be computed together: those of one shape, under a prior or not."""
    groups: dict[tuple[torch.Size, torch.Size, bool], list[Sample]] = {}
    for sample in samples:
        kind = (sample.frames.shape[1:], sample.maps.shape[1:], sample.prior is None)
        groups.setdefault(kind, []).append(sample)
    return list(groups.values())
