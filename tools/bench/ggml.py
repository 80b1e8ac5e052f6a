"""Writes the weights of a CTranslate2 Whisper folder as a whisper.cpp file, so that both run the same model.

usage: ggml.py FOLDER TARGET

The layout is that of whisper.cpp's loader: hyperparameters, mel filters, the vocabulary, then tensors under OpenAI's names.
"""

import json
import struct
import sys
from pathlib import Path

import common
import numpy as np


def token_bytes(folder):
    """The vocabulary as bytes: its file spells each byte as a printable character, as GPT-2 does."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spelt = {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in plain)}
    text, listed = Path(folder) / "vocabulary.txt", Path(folder) / "vocabulary.json"
    words = text.read_text().split("\n") if text.exists() else json.loads(listed.read_text())
    return [bytes(spelt[c] for c in w) if all(c in spelt for c in w) else w.encode() for w in words]


def openai_names(tensors):
    """Name in OpenAI's checkpoints -> array."""
    width = tensors["decoder/embeddings/weight"].shape[1]
    named = {"decoder.token_embedding.weight": tensors["decoder/embeddings/weight"]}

    def put(name, source):
        norm = source.endswith("norm")
        named[name + ".weight"] = tensors[source + ("/gamma" if norm else "/weight")]
        named[name + ".bias"] = tensors[source + ("/beta" if norm else "/bias")]

    def put_attention(name, source, cross):
        weight, bias = (np.concatenate([tensors[f"{source}/linear_{i}/{x}"] for i in range(1 + cross)]) for x in ("weight", "bias"))
        for i, part in enumerate(("query", "key", "value")):
            rows = slice(i * width, (i + 1) * width)
            named[f"{name}.{part}.weight"] = weight[rows]
            if part != "key":
                named[f"{name}.{part}.bias"] = bias[rows]
        put(name + ".out", f"{source}/linear_{1 + cross}")

    for side, last in (("encoder", "ln_post"), ("decoder", "ln")):
        named[side + ".positional_embedding"] = tensors[side + "/position_encodings/encodings"]
        put(f"{side}.{last}", side + "/layer_norm")
        for i in range(sum(name.startswith(side) and name.endswith("ffn/linear_0/bias") for name in tensors)):
            ours, theirs = f"{side}.blocks.{i}", f"{side}/layer_{i}"
            put(ours + ".attn_ln", theirs + "/self_attention/layer_norm")
            put_attention(ours + ".attn", theirs + "/self_attention", False)
            if side == "decoder":
                put(ours + ".cross_attn_ln", theirs + "/attention/layer_norm")
                put_attention(ours + ".cross_attn", theirs + "/attention", True)
            put(ours + ".mlp_ln", theirs + "/ffn/layer_norm")
            put(ours + ".mlp.0", theirs + "/ffn/linear_0")
            put(ours + ".mlp.2", theirs + "/ffn/linear_1")
    for i in (1, 2):
        put(f"encoder.conv{i}", f"encoder/conv{i}")
        named[f"encoder.conv{i}.bias"] = named[f"encoder.conv{i}.bias"].reshape(-1, 1)
    return named


def write(folder, target):
    import librosa

    tensors = openai_names(common.read_ctranslate2(folder))
    (vocab, width), layers = tensors["decoder.token_embedding.weight"].shape, [0, 0]
    for k, side in enumerate(("encoder", "decoder")):
        layers[k] = sum(n.startswith(side) and n.endswith(".mlp.0.bias") for n in tensors)
    words = token_bytes(folder)
    heads, mels = width // 64, tensors["encoder.conv1.weight"].shape[1]
    with open(target, "wb") as out:
        out.write(struct.pack("<12i", 0x67676D6C, vocab, len(tensors["encoder.positional_embedding"]), width, heads, layers[0],
                              len(tensors["decoder.positional_embedding"]), width, heads, layers[1], mels, 1))  # fmt: skip
        filters = librosa.filters.mel(sr=16000, n_fft=400, n_mels=mels).astype("<f4")
        out.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
        english = 50256  # the loader makes the tokens after the text by itself
        words = words[: english if vocab == 51864 else english + 1]
        out.write(struct.pack("<i", len(words)))
        for word in words:
            out.write(struct.pack("<i", len(word)) + word)
        for name, value in tensors.items():
            half = value.ndim > 1 and not name.endswith(("positional_embedding", ".bias"))
            out.write(struct.pack("<3i", value.ndim, len(name), half))
            out.write(struct.pack(f"<{value.ndim}i", *value.shape[::-1]) + name.encode())
            out.write(np.ascontiguousarray(value, "<f2" if half else "<f4").tobytes())


if __name__ == "__main__":
    write(*sys.argv[1:])
