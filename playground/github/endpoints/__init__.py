"""The endpoints by subject; importing this package registers them all."""

import playground.github.endpoints.apps
import playground.github.endpoints.checks
import playground.github.endpoints.deployments
import playground.github.endpoints.issues
import playground.github.endpoints.jobs
import playground.github.endpoints.repositories  # noqa: F401
