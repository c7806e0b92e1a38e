"""Training on a handful of sentences: it runs, repeats itself, and writes a model that is read."""

from __future__ import annotations

import copy
import importlib.util
import json
from pathlib import Path

import pytest
from conftest import Invoke

from pipeline.commands.train_stance import NEEDED

MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
needs_extra = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

ROWS = [
    ("[Norway] condemned [Belarus] over the raid.", "negative", "p->q"),
    ("[Norway] was praised by [Belarus] for its help.", "positive", "q->p"),
    ("[Peru] thanked [Chile] for the fire engines.", "positive", "p->q"),
    ("[Peru] was attacked by [Chile] at dawn.", "negative", "q->p"),
    ("Ministers of [Peru] and [Chile] went home.", "neutral", None),
    ("The road from [Ghana] to [Togo] was closed.", "neutral", None),
]


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    lines = [
        {"id": str(number), "sentence": text, "stance": stance, "direction": direction}
        for number, (text, stance, direction) in enumerate(ROWS)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A random encoder of three layers of 24, over a vocabulary of letters and a few words."""
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path / "encoder"
    folder.mkdir()
    words = ["country", "person", "organization", "condemned", "praised", "by", "the"]
    vocabulary = {"[PAD]": 0, **{f"[unused{i}]": i for i in range(1, 100)}, "[UNK]": 100}
    vocabulary |= {"[CLS]": 101, "[SEP]": 102}
    vocabulary |= {word: 103 + i for i, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))

    chance = torch.Generator().manual_seed(1)
    size, inner = 24, 48

    def some(*shape: int) -> torch.Tensor:
        return 0.1 * torch.randn(*shape, generator=chance)

    weights = {
        "embeddings.word_embeddings.weight": some(len(vocabulary), size),
        "embeddings.position_embeddings.weight": some(128, size),
        "embeddings.token_type_embeddings.weight": some(2, size),
        "embeddings.LayerNorm.weight": torch.ones(size),
        "embeddings.LayerNorm.bias": some(size),
    }
    for number in range(3):
        prefix = f"encoder.layer.{number}."
        for name, shape in (
            ("attention.self.query", (size, size)),
            ("attention.self.key", (size, size)),
            ("attention.self.value", (size, size)),
            ("attention.output.dense", (size, size)),
            ("intermediate.dense", (inner, size)),
            ("output.dense", (size, inner)),
        ):
            weights[f"{prefix}{name}.weight"] = some(*shape)
            weights[f"{prefix}{name}.bias"] = some(shape[0])
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            weights[f"{prefix}{name}.weight"] = torch.ones(size)
            weights[f"{prefix}{name}.bias"] = some(size)
    save_file(weights, str(folder / "model.safetensors"))
    return folder


@pytest.fixture
def mpnet(encoder: Path, tmp_path: Path) -> Path:
    """The same encoder as an MPNet has it: other names, words four and places two further on."""
    import torch
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "mpnet"
    folder.mkdir()
    renamed = {
        "attention.self.query": "attention.attn.q",
        "attention.self.key": "attention.attn.k",
        "attention.self.value": "attention.attn.v",
        "attention.output.dense": "attention.attn.o",
        "attention.output.LayerNorm": "attention.LayerNorm",
    }
    weights = {}
    for name, value in load_file(str(encoder / "model.safetensors")).items():
        for ours, theirs in renamed.items():
            name = name.replace(ours, theirs)
        weights[name] = value
    del weights["embeddings.token_type_embeddings.weight"]
    words = weights["embeddings.word_embeddings.weight"]
    marks = words[[101, 0, 102, 100]]
    weights["embeddings.word_embeddings.weight"] = torch.cat([marks, words, words[:1]])
    places = weights["embeddings.position_embeddings.weight"]
    weights["embeddings.position_embeddings.weight"] = torch.cat([places[:2], places])
    weights["encoder.relative_attention_bias.weight"] = torch.zeros(32, 12)
    save_file(weights, str(folder / "model.safetensors"))
    return folder


def train(invoke: Invoke, rows: Path, encoder: Path, out: Path, *more: object):
    return invoke(
        "train-stance",
        *("--train", rows, "--valid", rows, "--encoder", encoder, "--out", out),
        *("--epochs", 1, "--runs", 2, "--synthetic", 8, *more),
    )


@needs_extra
def test_a_trained_model_is_read_and_training_repeats_itself(
    invoke: Invoke, sentences: Path, encoder: Path, tmp_path: Path
) -> None:
    from transforms.stances.learned import LearnedReader
    from transforms.stances.masking import Masked

    first, again, other = tmp_path / "first", tmp_path / "again", tmp_path / "other"
    for out, seed in ((first, 1), (again, 1), (other, 2)):
        result = train(invoke, sentences, encoder, out, "--seed", seed)
        assert result.exit_code == 0, result.output
    readers = [LearnedReader(folder) for folder in (first, again, other)]
    assert readers[0].fingerprint == readers[1].fingerprint != readers[2].fingerprint
    item = Masked([101, 1, 106, 5, 102], [0.0, 1.0, 1.0, 1.0, 0.0], 1, 3)
    assert sum(readers[0].classify(item).chances()) == pytest.approx(1)
    metrics = json.loads((first / "metrics.json").read_text())
    assert {"float32", "int8", "both_readers_cross_validated"} <= set(metrics)


@needs_extra
def test_a_teacher_changes_what_is_learned(
    invoke: Invoke, sentences: Path, encoder: Path, mpnet: Path, tmp_path: Path
) -> None:
    alone, taught = tmp_path / "alone", tmp_path / "taught"
    assert train(invoke, sentences, encoder, alone).exit_code == 0
    result = train(invoke, sentences, encoder, taught, "--teacher", mpnet)
    assert result.exit_code == 0, result.output
    assert (alone / "stance.onnx").read_bytes() != (taught / "stance.onnx").read_bytes()
    metrics = json.loads((taught / "metrics.json").read_text())
    assert [len(teacher["history"]) for teacher in metrics["teachers"]] == [3, 1]
    assert json.loads((taught / "stance.json").read_text())["recipe"]["teacher"] is True


@needs_extra
def test_an_mpnet_is_read_as_the_bert_that_it_is_but_for_distance(
    encoder: Path, mpnet: Path
) -> None:
    import torch

    from pipeline.training.network import PairClassifier, load_encoder

    vocabulary = {"person": 104, "country": 103, "organization": 105}
    bert, theirs = load_encoder(encoder), load_encoder(mpnet)
    bert["embeddings.token_type_embeddings.weight"].zero_()
    ids = torch.tensor([[101, 106, 107, 100, 106, 102, 0]])
    outputs = [
        PairClassifier(weights, vocabulary, frozen=3).eval().lower(ids, ids > 0)[0, :6]
        for weights in (bert, theirs)
    ]
    assert torch.allclose(*outputs, atol=1e-5)
    theirs["encoder.relative_attention_bias.weight"][0] = 5.0
    nearer = PairClassifier(theirs, vocabulary, frozen=3).eval().lower(ids, ids > 0)[0, :6]
    assert not torch.allclose(nearer, outputs[1], atol=1e-3)


@needs_extra
def test_distance_falls_into_buckets() -> None:
    import torch

    from pipeline.training.mpnet import nearness

    bias = torch.arange(32.0)[:, None]
    found = nearness(bias, 96)[0].long()
    # Back: 0 to 7 one by one, then by the logarithm up to bucket 15; ahead the same from 16 on.
    assert found[7, :8].tolist() == [7, 6, 5, 4, 3, 2, 1, 0]
    assert found[0, 1:8].tolist() == [17, 18, 19, 20, 21, 22, 23]
    assert found[0, [8, 11, 12, 16, 32, 64, 95]].tolist() == [24, 24, 25, 26, 28, 30, 31]
    assert found[95, 0] == 15


@needs_extra
def test_the_graph_computes_what_the_network_does(encoder: Path, tmp_path: Path) -> None:
    import numpy as np
    import torch
    from tokenizers import Tokenizer

    from pipeline.training.examples import Example
    from pipeline.training.fit import log_probabilities, prepare
    from pipeline.training.network import PairClassifier, load_encoder
    from pipeline.training.onnx_graph import export
    from transforms.stances.learned import raw_logits
    from transforms.stances.masking import Masked

    torch.manual_seed(1)
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    networks = [PairClassifier(load_encoder(encoder), tokenizer.get_vocab(), frozen=1)]
    networks += [copy.deepcopy(networks[0])]
    for network in networks:
        for weights in (network.path, network.classes.weight, network.layers[1].query.weight):
            torch.nn.init.normal_(weights)
    items = [
        Masked([101, 1, 106, 107, 5, 102], [0.0, 1.0, 1.0, 0.0, 1.0, 0.0], 1, 4),
        Masked([101, 108, 4, 6, 102], [0.0, 0.0, 1.0, 1.0, 0.0], 2, 3),
    ]
    examples = [Example("x", item, (1.0, 0.0, 0.0, 0.0, 0.0)) for item in items]
    ready = prepare(networks[0], examples)
    apart = [log_probabilities([network], ready) for network in networks]
    assert not torch.allclose(*apart, atol=0.1)
    for asked in ([networks[0]], networks):
        export(asked, tmp_path / "whole.onnx", eight_bits=False)
        wanted = log_probabilities(asked, ready).numpy()
        # The frozen layers' output is kept in half precision.
        assert np.allclose(raw_logits(tmp_path / "whole.onnx", items), wanted, atol=5e-3)
    assert torch.allclose(torch.from_numpy(wanted), torch.stack(apart).mean(0))


@needs_extra
@pytest.mark.parametrize("bad", ["sentence", "stance", "encoder", "kind", "empty", "absent"])
def test_bad_input_is_one_line_and_exit_2(
    bad: str, invoke: Invoke, sentences: Path, encoder: Path, mpnet: Path, tmp_path: Path
) -> None:
    if bad == "sentence":
        sentences.write_text('{"id": "1", "sentence": "No brackets.", "stance": "neutral"}\n')
    elif bad == "stance":
        sentences.write_text('{"id": "1", "sentence": "[A] met [B].", "stance": "fond"}\n')
    elif bad == "encoder":
        (encoder / "model.safetensors").write_bytes(b"nothing")
    elif bad == "kind":
        (mpnet / "tokenizer.json").write_bytes((encoder / "tokenizer.json").read_bytes())
        encoder = mpnet
    elif bad == "empty":
        sentences.write_text("")
    else:
        sentences = tmp_path / "absent.jsonl"
    result = train(invoke, sentences, encoder, tmp_path / "out")
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()[-1:]) == 1
    assert "Traceback" not in result.output


def test_without_the_extra_it_says_what_to_install(
    invoke: Invoke, sentences: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.commands.train_stance.NEEDED", ("no_such_package",))
    result = train(invoke, sentences, tmp_path, tmp_path / "out")
    assert result.exit_code == 2
    assert "no_such_package" in result.stderr and "extra 'train'" in result.stderr
