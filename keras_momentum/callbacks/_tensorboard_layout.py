"""Pages of charts under TensorBoard's Custom Scalars."""

from collections.abc import Mapping


def custom_scalars(page: str, charts: Mapping[str, str]) -> bytes:
    """A page of charts, as `tf.summary.experimental.write_raw_pb` takes it.

    Args:
        page: The title of the page.
        charts: For each chart's title the regular expression of the tags in it.

    Raises:
        ImportError: If TensorBoard is not installed.
    """
    from tensorboard.plugins.custom_scalar import layout_pb2, summary

    layout = layout_pb2.Layout(
        category=[
            layout_pb2.Category(
                title=page,
                chart=[
                    layout_pb2.Chart(
                        title=title,
                        multiline=layout_pb2.MultilineChartContent(tag=[tags]),
                    )
                    for title, tags in charts.items()
                ],
            )
        ]
    )
    serialized: bytes = summary.pb(layout).SerializeToString()
    return serialized
