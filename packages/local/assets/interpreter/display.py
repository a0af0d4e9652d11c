"""From a value to what can be shown of it, by MIME type, as notebooks do."""
import base64
import sys

METHODS = (
    ("_repr_html_", "text/html"),
    ("_repr_markdown_", "text/markdown"),
    ("_repr_svg_", "image/svg+xml"),
    ("_repr_png_", "image/png"),
    ("_repr_jpeg_", "image/jpeg"),
    ("_repr_pdf_", "application/pdf"),
    ("_repr_latex_", "text/latex"),
    ("_repr_json_", "application/json"),
    ("_repr_javascript_", "application/javascript"),
)


def bundle(value):
    data = {"text/plain": plain(value)}
    if isinstance(value, type):
        return data
    mime = call(value, "_repr_mimebundle_", include=None, exclude=None)
    if mime is not None:
        data.update(mime[0] if isinstance(mime, tuple) else mime)
    for method, kind in METHODS:
        if kind in data:
            continue
        shown = call(value, method)
        if shown is not None:
            data[kind] = encode(shown[0] if isinstance(shown, tuple) else shown)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, getattr(pandas, "DataFrame", ())):
        data["e2b/data"] = frame_data(value)
    if is_figure(value):
        data.update(figure(value))
    return {kind: encode(shown) for kind, shown in data.items() if shown is not None}


def plain(value):
    text = repr(value)
    if len(text) < 80 or not isinstance(value, (dict, list, tuple, set, frozenset)):
        return text
    import pprint
    return pprint.pformat(value, width=79, compact=True)


def call(value, method, **arguments):
    """A broken representation is left out; the value is shown by the others."""
    try:
        function = getattr(value, method, None)
        return function(**arguments) if callable(function) else None
    except Exception:
        return None


def encode(shown):
    if isinstance(shown, (bytes, bytearray)):
        return base64.b64encode(bytes(shown)).decode()
    return shown


def frame_data(frame):
    import json
    return {
        str(name): json.loads(frame[name].to_json(orient="values", date_format="iso"))
        for name in frame.columns
        if not frame.columns.duplicated().any()
    }


def is_figure(value):
    module = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(value, module.Figure)


def figure(value):
    import io
    target = io.BytesIO()
    value.savefig(target, format="png", bbox_inches="tight")
    return {"image/png": base64.b64encode(target.getvalue()).decode()}
