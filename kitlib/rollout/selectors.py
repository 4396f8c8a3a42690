"""What a selector of labels, or of nodes, selects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitlib.rollout.fields import items, labels, text, words


def selects(selector: Any, of: Mapping[str, str]) -> bool:
    """Say whether a label selector, `matchLabels` and `matchExpressions`, selects what has these labels."""
    wanted = labels(selector, "matchLabels")
    return all(of.get(key) == value for key, value in wanted.items()) and all(
        fits(each, of) for each in items(selector, "matchExpressions")
    )


def fits(asked: Mapping[str, Any], of: Mapping[str, str]) -> bool:
    """Say whether an expression, of a label selector or a node selector, is met by these labels."""
    key, values, operator = text(asked, "key"), words(asked, "values"), text(asked, "operator")
    has = of.get(key)
    if operator in ("Gt", "Lt"):
        numbers = [each for each in (has, *values) if each is not None and each.lstrip("-").isdecimal()]
        if len(numbers) != 2:
            return False
        mine, limit = map(int, numbers)
        return mine > limit if operator == "Gt" else mine < limit
    return {
        "In": has in values,
        "NotIn": has not in values,
        "Exists": has is not None,
        "DoesNotExist": has is None,
    }.get(operator, False)


__all__ = ["fits", "selects"]
