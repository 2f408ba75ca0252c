/** Where numbered rows stand in a list that may not show each of them. */
export interface Places {
  /** How many lines the list has while `head` is the newest row. */
  length: (head: number) => number
  /** The number of the row in that line; of several in one, the first. */
  at: (index: number) => number
  /** The line that shows the row. */
  of: (number: number) => number
}

export const EVERY_ROW: Places = { length: (head) => head, at: (index) => index + 1, of: (number) => number - 1 }
