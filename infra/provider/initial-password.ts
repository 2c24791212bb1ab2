/** The environment variable in which a run finds the password of its first contact. It stands nowhere else. */
export const passwordVariable = "ONPREM_INITIAL_PASSWORD";
