/** What becomes of the runs that no worker was there for. */
export const CATCH_UP: Record<string, string> = {
  latest: 'the latest is made up for',
  all: 'all are made up for',
  none: 'none is made up for',
}
