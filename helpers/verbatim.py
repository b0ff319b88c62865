"""What a notebook is to show letter for letter."""

__all__ = ["verbatim"]


def verbatim(html: str) -> str:
    """HTML in which a notebook sets no formulas: it would take what stands between two dollar signs for one."""
    return f'<div class="tex2jax_ignore mathjax_ignore">{html}</div>'
