"""The interface: one file a page, found by scanning; only this folder imports streamlit.

A page is a module of this folder with one constant: `LESSON` (a `lessons._kit.form.page.Lesson`) or `PAGE` (a
`lessons._kit.form.page.Page`). Everything that pages share is in `lessons._kit`; see docs/add-a-lesson.md.
"""
