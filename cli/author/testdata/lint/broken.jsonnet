local ci = import 'kayci.libsonnet';
ci.pipeline('web', jobs=[
  missing,
])
