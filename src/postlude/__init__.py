"""Run Kubeflow Pipelines (KFP v2) pipelines with final statuses that can be trusted."""

__version__ = "0.1.0"
