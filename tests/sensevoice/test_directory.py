"""Model directories that are incomplete, wrong or hostile are refused, with the file or tensor at fault."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from tingshuo import ModelError
from tingshuo_sensevoice.model import load_acoustic_model
from tingshuo_sensevoice.testing import BPE_MODEL
from tingshuo_sensevoice.vad import load_voice_detector

Damage = Callable[[Path], object]


def edit_config(**changes: object) -> Damage:
    def damage(folder: Path) -> None:
        config = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
        for key, value in changes.items():
            inner = config.get(key)
            config[key] = {**inner, **value} if isinstance(inner, dict) and isinstance(value, dict) else value
        (folder / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")

    return damage


def edit_weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Damage:
    def damage(folder: Path) -> None:
        weights = torch.load(folder / "model.pt", weights_only=True)
        change(weights)
        torch.save(weights, folder / "model.pt")

    return damage


def edit_metas(**changes: object) -> Damage:
    def damage(folder: Path) -> None:
        whole = json.loads((folder / "configuration.json").read_text("utf-8"))
        whole["file_path_metas"] |= changes
        (folder / "configuration.json").write_text(json.dumps(whole), "utf-8")

    return damage


def write(name: str, content: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(content)


def remove(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def set_value(name: str, value: float) -> Damage:
    return edit_weights(lambda weights: weights[name].view(-1)[0].fill_(value))


class Payload:
    """Runs a command where it is unpickled without care."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch hostile",)


def shorten_cmvn(folder: Path) -> None:
    text = (folder / "am.mvn").read_text("utf-8")
    (folder / "am.mvn").write_text(text.replace(" ]", " 1.0 ]"), "utf-8")


def spoil_cmvn(folder: Path) -> None:
    text = (folder / "am.mvn").read_text("utf-8")
    (folder / "am.mvn").write_text(text.replace("[ ", "[ nan "), "utf-8")


def other_tokenizer(folder: Path) -> None:
    import sentencepiece

    lines = iter([f"line {number} of other words" for number in range(50)])
    with (folder / BPE_MODEL).open("wb") as out:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=lines, model_writer=out, vocab_size=40, hard_vocab_limit=False, minloglevel=2
        )


COMMON: dict[str, tuple[Damage, str]] = {
    "no directory": (shutil.rmtree, "is no directory"),
    "no config": (remove("config.yaml"), "config.yaml is missing"),
    "no weights": (remove("model.pt"), "model.pt is missing"),
    "no cmvn": (remove("am.mvn"), "am.mvn is missing"),
    "config is no yaml": (write("config.yaml", b"a: [1"), "config.yaml cannot be read"),
    "config is no text": (write("config.yaml", b"\xff\xfe\xfa"), "config.yaml cannot be read"),
    "config makes python objects": (write("config.yaml", b"!!python/object/apply:os.system [id]"), "cannot be read"),
    "config is a list": (write("config.yaml", b"- 1"), "holds no mapping"),
    "another model": (edit_config(model="Paraformer"), "model is 'Paraformer'"),
    "another encoder": (edit_config(encoder="Conformer"), "encoder is 'Conformer'"),
    "encoder_conf is a list": (edit_config(encoder_conf=[1]), "encoder_conf must be a mapping"),
    "an impossible size": (edit_config(encoder_conf={"num_blocks": "two", "fsmn_layers": "two"}), "describes no"),
    "another sample rate": (edit_config(frontend_conf={"fs": 8000}), "frontend_conf.fs is 8000"),
    "another frontend": (edit_config(frontend="WhisperFrontend"), "frontend is 'WhisperFrontend'"),
    "configuration is no json": (write("configuration.json", b"{"), "configuration.json cannot be read"),
    "configuration is a list": (write("configuration.json", b"[]"), "configuration.json cannot be read"),
    "a file name that is a number": (edit_metas(init_param=3), "init_param in file_path_metas"),
    "weights above the directory": (edit_metas(init_param="../outside.pt"), "outside the model directory"),
    "weights at an absolute path": (edit_metas(init_param="/etc/hostname"), "outside the model directory"),
    "config above the directory": (edit_metas(config="../../secret.yaml"), "outside the model directory"),
    "cmvn above the directory": (
        edit_metas(frontend_conf={"cmvn_file": "../am.mvn"}),
        "outside the model directory",
    ),
    "weights that are noise": (write("model.pt", b"\x00\x01noise"), "model.pt is no checkpoint"),
    "weights that are empty": (write("model.pt", b""), "model.pt is no checkpoint"),
    "weights that are cut off": (
        lambda folder: (folder / "model.pt").write_bytes((folder / "model.pt").read_bytes()[:2000]),
        "model.pt is no checkpoint",
    ),
    "weights that are a list": (lambda folder: torch.save([1], folder / "model.pt"), "holds no state dict"),
    "weights that are text": (
        lambda folder: torch.save({"encoder": "x"}, folder / "model.pt"),
        "'encoder' is a str, not a tensor",
    ),
    "weights that run a command": (
        lambda folder: torch.save({"state_dict": Payload()}, folder / "model.pt"),
        "model.pt is no checkpoint of plain tensors",
    ),
    "a plain pickle that runs a command": (
        lambda folder: (folder / "model.pt").write_bytes(pickle.dumps(Payload(), protocol=2)),
        "model.pt is no checkpoint of plain tensors",
    ),
    "an unexpected tensor": (
        edit_weights(lambda weights: weights.update({"decoder.weight": torch.zeros(1)})),
        "unexpected tensor decoder.weight",
    ),
    "a cmvn of another size": (shorten_cmvn, "am.mvn"),
    "a cmvn with nan": (spoil_cmvn, "am.mvn"),
    "a cmvn that is empty": (write("am.mvn", b""), "am.mvn"),
    "a cmvn with an empty line": (write("am.mvn", b"\n\n"), "am.mvn"),
}
ASR: dict[str, tuple[Damage, str]] = {
    "no tokenizer": (remove(BPE_MODEL), "bpe.model is missing"),
    "a tokenizer that is noise": (write(BPE_MODEL, b"noise"), "is no sentencepiece model"),
    "a tokenizer of another size": (other_tokenizer, "pieces, tensor ctc.ctc_lo.weight"),
    "another tokenizer class": (edit_config(tokenizer="CharTokenizer"), "tokenizer is 'CharTokenizer'"),
    "a missing tensor": (
        edit_weights(lambda weights: weights.pop("encoder.encoders.0.norm1.weight")),
        "lacks tensor encoder.encoders.0.norm1.weight",
    ),
    "no ctc head": (edit_weights(lambda weights: weights.pop("ctc.ctc_lo.weight")), "lacks tensor ctc.ctc_lo.weight"),
    "fewer blocks than the config says": (edit_config(encoder_conf={"num_blocks": 4}), "lacks tensor encoder.encoders"),
    "a tensor of another shape": (
        edit_weights(lambda weights: weights.update({"embed.weight": torch.zeros(16, 80)})),
        "tensor embed.weight is (16, 80); config.yaml asks for (16, 560)",
    ),
    "a tensor of whole numbers": (
        edit_weights(lambda weights: weights.update({"embed.weight": weights["embed.weight"].long()})),
        "tensor embed.weight is of torch.int64",
    ),
    "a weight that is nan": (set_value("ctc.ctc_lo.bias", float("nan")), "ctc.ctc_lo.bias has values"),
    "a weight that is infinite": (set_value("embed.weight", float("inf")), "embed.weight has values"),
}
VAD: dict[str, tuple[Damage, str]] = {
    "a missing tensor": (
        edit_weights(lambda weights: weights.pop("encoder.out_linear2.linear.bias")),
        "lacks tensor encoder.out_linear2.linear.bias",
    ),
    "a weight that is nan": (set_value("encoder.in_linear1.linear.weight", float("nan")), "in_linear1.linear.weight"),
    "a silence unit that is not there": (edit_config(model_conf={"sil_pdf_ids": [5]}), "sil_pdf_ids"),
    "more silence units than told": (edit_config(model_conf={"sil_pdf_ids": [0, 1]}), "sil_pdf_ids"),
    "another number of features": (edit_config(frontend_conf={"n_mels": 40}), "am.mvn"),
}


@pytest.mark.parametrize("case", [*COMMON, *ASR])
def test_a_recogniser_that_is_wrong_is_refused(case: str, broken: Path) -> None:
    damage, message = {**COMMON, **ASR}[case]
    damage(broken / "asr")
    with pytest.raises(ModelError) as caught:
        load_acoustic_model(broken / "asr")
    assert message in str(caught.value)
    assert not Path("hostile").exists()


@pytest.mark.parametrize("case", [*COMMON, *VAD])
def test_a_voice_detector_that_is_wrong_is_refused(case: str, broken: Path) -> None:
    damage, message = {**COMMON, **VAD}[case]
    damage(broken / "vad")
    with pytest.raises(ModelError) as caught:
        load_voice_detector(broken / "vad")
    assert message in str(caught.value)
    assert not Path("hostile").exists()


def test_a_symbolic_link_does_not_lead_out_of_the_directory(broken: Path) -> None:
    (broken / "asr" / "model.pt").rename(broken / "elsewhere.pt")
    (broken / "asr" / "model.pt").symlink_to(broken / "elsewhere.pt")
    with pytest.raises(ModelError, match="outside the model directory"):
        load_acoustic_model(broken / "asr")


def test_code_in_the_directory_is_never_run(broken: Path) -> None:
    for name in ("model.py", "requirements.txt", "conftest.py"):
        (broken / "asr" / name).write_text("raise SystemExit('code of the directory was run')", "utf-8")
    edit_config(trust_remote_code=True, remote_code="./model.py")(broken / "asr")
    load_acoustic_model(broken / "asr")


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model"])
def test_weights_are_found_under_the_keys_trainers_use(wrapper: str, broken: Path) -> None:
    path = broken / "asr" / "model.pt"
    torch.save({wrapper: torch.load(path, weights_only=True), "epoch": 3}, path)
    load_acoustic_model(broken / "asr")


def test_half_precision_on_disk_is_widened(broken: Path) -> None:
    path = broken / "asr" / "model.pt"
    torch.save({name: value.half() for name, value in torch.load(path, weights_only=True).items()}, path)
    model = load_acoustic_model(broken / "asr")
    assert {tensor.dtype for tensor in model.net.state_dict().values()} == {torch.float32}


def test_weights_in_the_format_before_zip_are_read(broken: Path) -> None:
    path = broken / "asr" / "model.pt"
    torch.save(torch.load(path, weights_only=True), path, _use_new_zipfile_serialization=False)
    load_acoustic_model(broken / "asr")


def test_a_directory_without_configuration_json_is_read_by_the_usual_names(broken: Path) -> None:
    remove("configuration.json")(broken / "asr")
    load_acoustic_model(broken / "asr")
