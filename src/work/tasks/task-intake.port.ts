/** Makes tasks for other domains, in their transaction. */
export abstract class TaskIntake {
  /** @param values as the body of `POST /tasks`, held to the same rules @throws Problem `invalid_request`, `plan_limit_reached` */
  abstract create(values: object): Promise<{ id: string }>;
}
