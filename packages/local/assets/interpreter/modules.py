"""Modules that user code expects of a notebook, made when they are first imported."""
import importlib.abc
import importlib.machinery
import os
import sys
import types

BACKEND = "pilotlight_plots"


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Comes last: what is really installed wins."""

    def __init__(self, show):
        self.show = show
        self.fills = {BACKEND: self.fill_backend, "IPython": lambda module: None, "IPython.display": self.fill_display}

    def find_spec(self, name, path=None, target=None):
        if name not in self.fills:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=name == "IPython")

    def create_module(self, spec):
        return types.ModuleType(spec.name)

    def exec_module(self, module):
        self.fills[module.__name__](module)

    def fill_backend(self, module):
        from matplotlib.backend_bases import FigureManagerBase
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        def new_figure_manager(number, *arguments, FigureClass=None, **options):
            from matplotlib.figure import Figure
            return new_manager(number, (FigureClass or Figure)(*arguments, **options))

        def new_manager(number, figure):
            return FigureManagerBase(FigureCanvasAgg(figure), number)

        module.FigureCanvas = FigureCanvasAgg
        module.FigureManager = FigureManagerBase
        module.new_figure_manager = new_figure_manager
        module.new_figure_manager_given_figure = new_manager
        module.show = lambda *arguments, **options: show_figures(self.show)

    def fill_display(self, module):
        module.display = lambda *values, **_: [self.show(value) for value in values] and None
        module.clear_output = lambda *_, **__: None
        for name, method in (
            ("HTML", "_repr_html_"),
            ("Markdown", "_repr_markdown_"),
            ("SVG", "_repr_svg_"),
            ("Latex", "_repr_latex_"),
            ("JSON", "_repr_json_"),
            ("Javascript", "_repr_javascript_"),
        ):
            setattr(module, name, shown_as(name, method))


class ImageHook(importlib.abc.MetaPathFinder):
    """Comes first and only for one module: images of Pillow that are shown or saved appear as results, as E2B has it."""

    def __init__(self, show):
        self.show = show

    def find_spec(self, name, path=None, target=None):
        if name != "PIL.Image":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                self.patch(module.Image)

            spec.loader.exec_module = exec_module
        return spec

    def patch(self, image):
        save = image.save

        def save_and_show(value, target, *arguments, **options):
            save(value, target, *arguments, **options)
            if isinstance(target, (str, os.PathLike)):
                self.show(value)

        image.save = save_and_show
        image.show = lambda value, *_, **__: self.show(value)


def shown_as(name, method):
    def __init__(self, data=None, *_, **__):
        self.data = data

    return type(name, (), {"__init__": __init__, method: lambda self: self.data})


def show_figures(show):
    """Every open figure is shown once and closed."""
    plots = sys.modules.get("matplotlib.pyplot")
    if plots is None:
        return
    try:
        for number in plots.get_fignums():
            show(plots.figure(number))
    finally:
        plots.close("all")
