"""Controls whose value is in the URL in every language, and presets that set several of them at once.

Streamlit writes the shown label of a choice into the URL. A translated label would make a link that opens in one
language only, so `choice` keeps the value's own name in a hidden bound field and shows the labels in a free widget.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st


def url_value(key: str, default: str, allowed: Mapping[str, object]) -> str:
    """The value that the URL holds under ``?key=``, or the default where it holds none or an unknown one."""
    if st.session_state.get(key, "") not in allowed:
        st.session_state[key] = ""
    with st.container(key=f"url-{key}"):
        value = st.text_input(key, key=key, bind="query-params", label_visibility="collapsed")
    return value if value in allowed else default


def choice(
    label: str,
    options: Mapping[str, str],
    key: str,
    *,
    default: str | None = None,
    tabs: bool = False,
    hidden_label: bool = False,
) -> str:
    """A choice of one.

    Args:
      label: translated name of the control.
      options: value -> translated text.
      key: name of the choice in the URL and in the session.
      tabs: side by side (few, short) instead of a list to open.
      hidden_label: the label is for screen readers only.

    Returns:
      the chosen value.
    """
    default = default or next(iter(options))
    value = url_value(key, default, options)
    shown = f"{key}-shown"
    st.session_state[shown] = value

    def chosen() -> None:
        st.session_state[key] = "" if st.session_state[shown] == default else st.session_state[shown]

    visible = "collapsed" if hidden_label else "visible"
    if tabs:
        st.segmented_control(
            label,
            list(options),
            format_func=options.__getitem__,
            required=True,
            key=shown,
            on_change=chosen,
            label_visibility=visible,
        )
    else:
        st.selectbox(
            label, list(options), format_func=options.__getitem__, key=shown, on_change=chosen, label_visibility=visible
        )
    return value
